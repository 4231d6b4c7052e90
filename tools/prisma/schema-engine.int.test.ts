/** The stand-in for Prisma's schema engine, driven by the official command line. */
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startPostgres } from "../pg/index.mjs";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-prisma-")));
let server: Awaited<ReturnType<typeof startPostgres>>;

/** `prisma …` in the temporary project; no terminal, so that nothing can ask. */
async function prisma(...args: string[]): Promise<string> {
  const work = run(process.execPath, [path.join(root, "node_modules/prisma/build/index.js"), ...args], {
    cwd: folder,
    timeout: 90_000,
    env: { ...process.env, DATABASE_OWNER_URL: server.ownerUrl, PRISMA_SCHEMA_ENGINE_BINARY: path.join(folder, "tools/prisma/schema-engine.mjs"), CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" },
  });
  work.child.stdin?.end();
  const { stdout, stderr } = await work;
  return stdout + stderr;
}

const schema = (more = "") => `generator client {
  provider = "prisma-client"
  output   = "../client"
}
datasource db {
  provider = "postgresql"
}
model Thing {
  id   String @id
  name String
  ${more}
}
`;
const migration = (name: string, sql: string) => {
  fs.mkdirSync(path.join(folder, "prisma/migrations", name), { recursive: true });
  fs.writeFileSync(path.join(folder, "prisma/migrations", name, "migration.sql"), sql);
};

beforeAll(async () => {
  server = await startPostgres({ home: path.join(folder, "postgres"), port: 0, durable: false });
  fs.mkdirSync(path.join(folder, "prisma"));
  fs.writeFileSync(path.join(folder, "prisma/schema.prisma"), schema());
  for (const file of ["prisma.config.ts", "package.json"]) fs.copyFileSync(path.join(root, file), path.join(folder, file));
  fs.cpSync(path.join(root, "tools/prisma"), path.join(folder, "tools/prisma"), { recursive: true });
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
});
afterAll(async () => {
  await server?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

// Guarantee: the Prisma command line makes, applies and checks migrations without its native engine.
it("goes through the life of a schema", { timeout: 180_000 }, async () => {
  await prisma("migrate", "dev", "--name", "first");
  const [first] = fs.readdirSync(path.join(folder, "prisma/migrations")).filter((name) => name.endsWith("_first"));
  expect(fs.readFileSync(path.join(folder, "prisma/migrations", String(first), "migration.sql"), "utf8")).toContain('CREATE TABLE "Thing"');
  expect(await prisma("migrate", "status")).toContain("Database schema is up to date!");

  // A function body has ";" inside it; a script is not to be cut there. Diagnosis needs a shadow database.
  migration("29990101000000_function", "create function one() returns int language plpgsql as $$ begin perform 1; return 1; end $$;\n");
  fs.writeFileSync(path.join(folder, "prisma/schema.prisma"), schema("size Int @default(0)"));
  const dev = await prisma("migrate", "dev", "--name", "size");
  expect(dev).toContain("in sync with your schema");

  fs.writeFileSync(path.join(folder, "prisma/schema.prisma"), schema("size Int @default(0)\n  colour String?"));
  expect(await prisma("migrate", "diff", "--from-config-datasource", "--to-schema", "prisma/schema.prisma", "--script")).toContain('ADD COLUMN     "colour" TEXT');
  expect(await prisma("generate")).toContain("Generated Prisma Client");
  expect(fs.existsSync(path.join(folder, "client/client.ts"))).toBe(true);
});

it("says in Prisma's own words that the database can't be reached", async () => {
  const away = { ...server, ownerUrl: "postgresql://holdfast_owner:x@127.0.0.1:1/holdfast" };
  const reachable = server;
  server = away;
  try {
    await expect(prisma("migrate", "status")).rejects.toThrow(/P1001/);
  } finally {
    server = reachable;
  }
});
