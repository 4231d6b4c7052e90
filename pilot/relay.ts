import { parseArgs } from "node:util";
import { processEnvironment } from "./env";
import { controlServer, listenControl } from "./relay/control";
import { Relay } from "./relay/relay";

const USAGE = "relay --name NAME --listen PORT --target HOST:PORT --control PORT [--latency MS] [--jitter MS] [--loss PERCENT] [--bandwidth MBIT/S] [--seed N] [--blackholed] [--with-parent]";

/**
 * One simulated link as a process of its own. Prints one JSON line with its ports when it is ready, and ends on
 * SIGTERM, or when whoever started it closes its standard input with `--with-parent`.
 */
async function main(): Promise<number | undefined> {
  const { values } = parseArgs({
    options: {
      name: { type: "string" }, listen: { type: "string", default: "0" }, target: { type: "string" }, control: { type: "string", default: "0" },
      latency: { type: "string", default: "0" }, jitter: { type: "string", default: "0" }, loss: { type: "string", default: "0" },
      blackholed: { type: "boolean", default: false }, bandwidth: { type: "string", default: "0" }, seed: { type: "string", default: "1" }, "with-parent": { type: "boolean", default: false },
    },
  });
  const target = /^(.+):(\d+)$/.exec(values.target ?? "");
  if (values.name === undefined || target === null) {
    console.error(USAGE);
    return 2;
  }
  const relay = new Relay({
    name: values.name, listen: { host: "127.0.0.1", port: Number(values.listen) }, target: { host: target[1] as string, port: Number(target[2]) },
    shape: { latencyMs: Number(values.latency), jitterMs: Number(values.jitter), lossPercent: Number(values.loss), bandwidthMbps: Number(values.bandwidth) },
    seed: Number(values.seed),
  });
  // A link that was cut before this process was started again must not carry a byte meanwhile.
  if (values.blackholed) relay.blackhole();
  const port = await relay.listen();
  const control = controlServer(relay, processEnvironment()["PILOT_RELAY_SECRET"] ?? null);
  const controlPort = await listenControl(control, Number(values.control));
  console.log(JSON.stringify({ ready: true, name: values.name, simulated: true, port, control: controlPort }));
  const stop = async (): Promise<void> => {
    control.close();
    await relay.close();
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
  if (values["with-parent"]) process.stdin.resume().once("end", () => void stop());
  return undefined;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
