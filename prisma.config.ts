/**
 * Settings of the Prisma CLI, which only builds and develops: at run time migrations are applied by Holdfast itself.
 *
 * Where Prisma's native schema engine is not installed (it is a download, and not every machine may download), the CLI is
 * pointed at a stand-in of ours that speaks the same protocol. Where it is installed, nothing changes.
 */
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { defineConfig } from "prisma/config";

const require = createRequire(path.join(import.meta.dirname, "package.json"));

/** Is the native engine there? It lies in the @prisma/engines package, named after the platform. */
function hasNativeEngine(): boolean {
  const cli = require.resolve("prisma/package.json");
  const folder = path.dirname(createRequire(cli).resolve("@prisma/engines/package.json"));
  return fs.readdirSync(folder).some((name) => name.startsWith("schema-engine-"));
}

if (!process.env["PRISMA_SCHEMA_ENGINE_BINARY"] && !hasNativeEngine()) {
  process.env["PRISMA_SCHEMA_ENGINE_BINARY"] = path.join(import.meta.dirname, "tools/prisma/schema-engine.mjs");
}

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  // Only the commands that reach a database need an address, and they are run as the owner of the tables.
  datasource: { url: process.env["DATABASE_OWNER_URL"] ?? process.env["DATABASE_URL"] ?? "postgresql://localhost/unset" },
});
