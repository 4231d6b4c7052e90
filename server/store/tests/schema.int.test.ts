import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";
import { testDatabase } from "../../testing/database";

const db = testDatabase();
const root = path.resolve(import.meta.dirname, "../../..");

// Guarantee: the migrations make exactly what prisma/schema.prisma says, so that the next migration made from it undoes nothing.
it("the migrated database is what the schema says", () => {
  const cli = path.join(root, "node_modules/prisma/build/index.js");
  const done = spawnSync(process.execPath, [cli, "migrate", "diff", "--from-config-datasource", "--to-schema", "prisma/schema.prisma", "--exit-code"], {
    cwd: root, encoding: "utf8", env: { PATH: "/usr/bin:/bin", DATABASE_OWNER_URL: db.ownerUrl, PRISMA_HIDE_UPDATE_MESSAGE: "1", CHECKPOINT_DISABLE: "1" } as unknown as NodeJS.ProcessEnv,
  });
  expect(`${done.stdout}${done.stderr}`).toContain("No difference detected");
  expect(done.status).toBe(0);
});
