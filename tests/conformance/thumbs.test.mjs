// Thumbs of images: the six modes, which sizes are made at all, and what they are served as.
import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";

import { guest, open, start, superuser } from "./support.mjs";

let record;

start(async () => {
  const admin = await superuser();
  const thumbs = ["40x40", "40x10", "40x10t", "40x10b", "30x20f", "0x10", "50x0", "200x200", "200x200f"];
  await admin.collections.create(open("pictures", [{ name: "image", type: "file", thumbs }, { name: "text", type: "file", thumbs }]));
  // Red above, blue below.
  const rows = (x, y) => (y < 30 ? [255, 0, 0] : [0, 0, 255]);
  const image = new File([png(100, 60, rows)], "Striped.png");
  record = await guest().collection("pictures").create({ image, text: new File(["no image"], "a.txt") });
});

const fetched = (thumb, name = record.image) => fetch(guest().files.getURL(record, name, { thumb }));

/** Width, height, and the colours of the first and the last row's first pixel. */
async function seen(thumb) {
  const answer = await fetched(thumb);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "image/png");
  const { width, height, pixel } = decoded(Buffer.from(await answer.arrayBuffer()));
  const colour = ([red, , blue]) => (red > 200 && blue < 55 ? "red" : blue > 200 && red < 55 ? "blue" : "mixed");
  return [width, height, colour(pixel(0, 0)), colour(pixel(0, height - 1))];
}

test("WxH fills and crops around the centre", async () => {
  assert.deepEqual(await seen("40x10"), [40, 10, "red", "blue"]);
  assert.deepEqual(await seen("40x40"), [40, 40, "red", "blue"]);
});
test("WxHt fills and crops from the top", async () => assert.deepEqual(await seen("40x10t"), [40, 10, "red", "red"]));
test("WxHb fills and crops from the bottom", async () => assert.deepEqual(await seen("40x10b"), [40, 10, "blue", "blue"]));
test("WxHf fits inside and is never larger", async () => {
  assert.deepEqual((await seen("30x20f")).slice(0, 2), [30, 18]);
  assert.deepEqual((await seen("200x200f")).slice(0, 2), [100, 60]);
});
test("0xH and Wx0 keep the proportions", async () => {
  assert.deepEqual((await seen("0x10")).slice(0, 2), [17, 10]);
  assert.deepEqual((await seen("50x0")).slice(0, 2), [50, 30]);
});
test("all modes but f make small images larger", async () => assert.deepEqual((await seen("200x200")).slice(0, 2), [200, 200]));

test("100x100 is always allowed, others only when the field lists them", async () => {
  assert.deepEqual((await seen("100x100")).slice(0, 2), [100, 100]);
  for (const unlisted of ["41x41", "40x40f", "0x0", "nonsense"]) assert.deepEqual((await seen(unlisted)).slice(0, 2), [100, 60], unlisted);
});

test("a thumb is named by its size, and what is no image is served as it is", async () => {
  const thumb = await fetched("40x40");
  assert.equal(thumb.headers.get("content-disposition"), `inline; filename=40x40_${record.image}`);
  const text = await fetched("40x40", record.text);
  assert.deepEqual([text.status, await text.text()], [200, "no image"]);
});

test("a thumb goes with its original", async () => {
  await guest().collection("pictures").update(record.id, { image: null });
  assert.equal((await fetched("40x40")).status, 404);
});

function png(width, height, colour) {
  const lines = [];
  for (let y = 0; y < height; y++) {
    lines.push(0);
    for (let x = 0; x < width; x++) lines.push(...colour(x, y));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const parts = [["IHDR", header], ["IDAT", zlib.deflateSync(Buffer.from(lines))], ["IEND", Buffer.alloc(0)]];
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), ...parts.map(([name, data]) => chunk(name, data))]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The pixels of a PNG of eight bits a channel, filters undone. */
function decoded(bytes) {
  const [width, height, channels] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20), { 2: 3, 6: 4 }[bytes[25]]];
  const packed = [];
  for (let at = 8; at < bytes.length; at += bytes.readUInt32BE(at) + 12) {
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") packed.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
  }
  const raw = zlib.inflateSync(Buffer.concat(packed));
  const stride = width * channels;
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < stride; x++) {
      const left = x < channels ? 0 : pixels[y * stride + x - channels];
      const up = y === 0 ? 0 : pixels[(y - 1) * stride + x];
      const corner = x < channels || y === 0 ? 0 : pixels[(y - 1) * stride + x - channels];
      const [a, b, c] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs);
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      const guess = [0, left, up, (left + up) >> 1, paeth][raw[y * (stride + 1)]];
      pixels[y * stride + x] = raw[y * (stride + 1) + 1 + x] + guess;
    }
  }
  return { width, height, pixel: (x, y) => [...pixels.subarray(y * stride + x * channels, y * stride + x * channels + 3)] };
}
