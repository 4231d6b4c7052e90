/**
 * `npm run admin -- [--data DIR] COMMAND …`: the server's own commands (administrators, tokens, password recovery, keys,
 * backup, restore) on the installation that `npm run up` made. A deployment of its own calls `node dist/server/admin.mjs`
 * (or backup, restore) with its environment instead.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { startPostgres } from "./pg/index.mjs";
import { look, readJson, isDataFolder } from "./up/instance.mjs";
import { dataFolder } from "./up/options.mjs";
import { environmentOf, serverProgram } from "./up/services.mjs";

const args = process.argv.slice(2);
const at = args.indexOf("--data");
const data = dataFolder(at < 0 ? undefined : args.splice(at, 2)[1]);
const own = ["backup", "restore"].includes(args[0] ?? "");
const program = serverProgram(own ? String(args.shift()) : "admin");

if (!isDataFolder(data) || !fs.existsSync(program)) {
  process.stderr.write(`There is no installation in ${data} yet: run \`npm run up\` first.\n`);
  process.exitCode = 1;
} else {
  const database = await startPostgres({ home: `${data}/postgres` });
  /** @type {import("./up/ports.mjs").Ports} */
  const ports = readJson(`${data}/ports.json`) ?? { web: 7070, gateway: 7071, schedulerOps: 0, gatewayOps: 0 };
  const { ownerEnv } = environmentOf({ folder: data, host: "127.0.0.1", ports, database });
  const child = spawn(process.execPath, [program, ...args], { env: ownerEnv, stdio: "inherit", cwd: process.env["INIT_CWD"] ?? process.cwd() });
  process.exitCode = await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
  // A database that was started for this command alone is stopped again.
  if (!database.adopted && !look(data)?.alive) await database.stop();
}
