import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { processEnvironment } from "./env";
import { listenDoor, openDoor } from "./fleet/door";
import { PilotFleet } from "./fleet/fleet";
import { stillRuns, markOf } from "./fleet/processes";
import { PilotFolder } from "./fleet/state";
import { productRoot } from "./folder";

/** Variables of this process that agents, units and relays may see; nothing else of its environment reaches them. */
const PASSED_ON = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ"] as const;

const USAGE = "pilot --server URL --token T --gateway HOST:PORT [--data DIR]   (or HOLDFAST_SERVER, HOLDFAST_TOKEN, HOLDFAST_GATEWAY, HOLDFAST_DATA)";

/** The pilot: starts the fleet and keeps it going until SIGTERM. `pilot/ctl.ts` is how a running one is told things. */
async function main(): Promise<number> {
  const env = processEnvironment();
  const { values } = parseArgs({ options: { server: { type: "string" }, token: { type: "string" }, gateway: { type: "string" }, data: { type: "string" } } });
  const root = productRoot(process.argv[1] as string);
  const folder = new PilotFolder(resolve(values.data ?? env["HOLDFAST_DATA"] ?? join(root, ".data"), "pilot"));
  const url = values.server ?? env["HOLDFAST_SERVER"];
  const token = values.token ?? env["HOLDFAST_TOKEN"];
  const gateway = values.gateway ?? env["HOLDFAST_GATEWAY"];
  if (url === undefined || token === undefined || gateway === undefined) {
    console.error(`--server, --token and --gateway are needed.\n${USAGE}`);
    return 2;
  }
  if (folder.removedAt !== null) {
    console.log(`the pilot was removed on ${folder.removedAt}; "npm run pilot -- restore" brings it back`);
    return 0;
  }
  const other = folder.readDoor();
  if (other !== null && other.pid !== process.pid && stillRuns({ pid: other.pid, startedAt: other.startedAt })) {
    console.error(`a pilot runs already on ${folder.path}, as process ${other.pid}`);
    return 1;
  }
  const environment = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name] as string]])));
  const fleet = new PilotFleet({ root, folder, server: { url, token }, gateway, environment, log: (text) => console.log(`${new Date().toISOString()} ${text}`) });
  const stopped = new Promise<void>((stop) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop());
    const secret = randomBytes(24).toString("hex");
    const door = openDoor(fleet, secret, stop);
    void listenDoor(door).then((port) => folder.writeDoor({ pid: process.pid, startedAt: markOf(process.pid)?.startedAt ?? "", port, secret }));
  });
  void fleet.start();
  await stopped;
  await fleet.stop();
  folder.removeDoor();
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
