import assert from "node:assert/strict";
import { test } from "node:test";

import { failure, guest, start, superuser, until, user } from "./support.mjs";

start();

const SYSTEM = [
  { id: "__pbDBOptimize__", expression: "0 0 * * *" },
  { id: "__pbMFACleanup__", expression: "0 * * * *" },
  { id: "__pbOTPCleanup__", expression: "0 * * * *" },
  { id: "__pbLogsCleanup__", expression: "0 */6 * * *" },
];

test("the jobs every backend has are listed", async () => {
  const admin = await superuser();
  assert.deepEqual(await admin.crons.getFullList(), SYSTEM);
  assert.deepEqual(await admin.crons.getFullList({ fields: "id" }), SYSTEM.map(({ id }) => ({ id })));
});

test("a job is run on demand", async () => {
  const admin = await superuser();
  for (const { id } of SYSTEM) assert.equal(await admin.crons.run(id), true);
  const error = await failure(admin.crons.run("nope"));
  assert.deepEqual(error, { status: 404, data: {}, message: "Missing or invalid cron job." });
});

test("one-time passwords that are too old go, others stay", async () => {
  const admin = await superuser();
  const { record } = await user(admin, "otto");
  const users = await admin.collections.getOne("users");
  const otp = { collectionRef: users.id, recordRef: record.id, password: "12345678" };
  await admin.collection("_otps").create(otp);
  await admin.crons.run("__pbOTPCleanup__");
  assert.equal((await admin.collection("_otps").getFullList()).length, 1);
  await admin.collections.update("users", { otp: { ...users.otp, duration: 10 } });
  assert.equal((await admin.collection("_otps").getFullList()).length, 1);
});

test("the backup is listed once it is scheduled, with macros spelled out", async () => {
  const admin = await superuser();
  await admin.settings.update({ backups: { cron: "@daily", cronMaxKeep: 2 } });
  const listed = await admin.crons.getFullList();
  assert.deepEqual(listed.at(-1), { id: "__pbAutoBackup__", expression: "0 0 * * *" });
  for (let made = 0; made < 4; made++) {
    const before = (await admin.backups.getFullList()).map(({ key }) => key).sort();
    await admin.crons.run("__pbAutoBackup__");
    await until(async () => {
      const now = (await admin.backups.getFullList()).map(({ key }) => key).sort();
      return now.length > 0 && now.join() !== before.join();
    }, "a backup");
    // Their names tell seconds apart.
    await new Promise((resolve) => setTimeout(resolve, 1100));
  }
  const kept = await admin.backups.getFullList();
  assert.equal(kept.length, 2);
  for (const { key } of kept) assert.match(key, /^@auto_pb_backup_(acme|orchard)_\d{14}\.zip$/);
  await admin.settings.update({ backups: { cron: "" } });
  assert.deepEqual(await admin.crons.getFullList(), SYSTEM);
  assert.equal((await failure(admin.crons.run("__pbAutoBackup__"))).status, 404);
});

test("what is no expression is not saved", async () => {
  const admin = await superuser();
  for (const cron of ["* * * *", "60 * * * *", "* * * * 7", "* * * JAN *", "5/2 * * * *", "@never"]) {
    const error = await failure(admin.settings.update({ backups: { cron } }));
    assert.equal(error.data.backups.cron.code, "validation_invalid_cron", cron);
  }
});

test("jobs are for superusers", async () => {
  assert.equal((await failure(guest().crons.getFullList())).status, 401);
  const { client } = await user(await superuser(), "carl");
  assert.equal((await failure(client.crons.run("__pbOTPCleanup__"))).status, 403);
});

test("what rate limits counted is cleaned up once something was counted", async () => {
  const admin = await superuser();
  const job = { id: "__pbRateLimitersCleanup__", expression: "2 * * * *" };
  assert.equal((await failure(admin.crons.run(job.id))).status, 404);
  await admin.settings.update({ rateLimits: { enabled: true } });
  await guest().collection("users").getList();
  assert.deepEqual(await admin.crons.getFullList(), [...SYSTEM, job]);
  assert.equal(await admin.crons.run(job.id), true);
  await admin.settings.update({ rateLimits: { enabled: false } });
});
