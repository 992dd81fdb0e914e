// The list in COVERAGE.md names tests that exist.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

const here = import.meta.dirname;

/** The names of a file's tests, as patterns: what is filled in may be anything. */
function names(file) {
  const source = fs.readFileSync(path.join(here, `${file}.test.mjs`), "utf8");
  return [...source.matchAll(/^\s*test\((["`])(.*?)\1/gm)].map(([, , name]) => {
    const parts = name.split(/\$\{[^}]*\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return new RegExp(`^${parts.join(".+")}$`);
  });
}

test("every test the list names exists", () => {
  const rows = fs.readFileSync(path.join(here, "COVERAGE.md"), "utf8").split("\n").filter((line) => /^\| (?!Surface)/.test(line));
  const missing = rows.filter((row) => {
    const [file, name] = row.split(/(?<!\\)\|/).slice(3, 5).map((cell) => cell.trim());
    return !names(file).some((pattern) => pattern.test(name));
  });
  assert.ok(rows.length > 80, "the list is read");
  assert.deepEqual(missing, []);
});
