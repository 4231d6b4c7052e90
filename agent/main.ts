import "./platform/small-heap";
import { Agent } from "./agent";
import { localCommands } from "./cli/commands";
import { readRunOptions } from "./options";
import { exitCodeOf, Fault, textOf } from "./platform/fault";
import { createLog } from "./platform/log";
import { AGENT_VERSION } from "./version";

const HELP = `Holdfast agent ${AGENT_VERSION}: runs what the console places on this machine.

First start (copy the whole command from Settings, join tokens):
  holdfast-agent --gateway HOST:PORT --token TOKEN --ca-fingerprint sha256:HEX --data DIR
Later starts, also without a network:
  holdfast-agent --data DIR

  --name NAME            name for this node; without it the gateway chooses one
  --slice cpu=500m,memory=256Mi,disk=1Gi
                         offer a part of this machine only
  --devices MODEL=2      accelerators beside those that the agent finds; MODEL/1g.6gb=4
                         is one that is cut into four slices
  --stop-units-on-exit   take the units along when the agent stops (default: they go on)
  --local-port PORT      port for units on 127.0.0.1 (default: any, then kept)
  --reconnect-max 30s    longest wait between attempts to connect
  --report-every 5s      how often telemetry is reported
  --sample-every 10s     how often usage is measured
  --journal-size 64Mi    reports kept on disk while cut off
  --log-size 8Mi         size of a unit's log before it is rotated; one older file is kept
  --cache-size 20Gi      artifacts kept
  --log-level info       debug, info, warn or error
  --boot-id TEXT         what tells one boot from another, where the kernel does not (containers)

On this machine, also while cut off:
  holdfast-agent status --data DIR [--json]
  holdfast-agent units --data DIR [--json]
  holdfast-agent logs UNIT --data DIR [-f] [--tail BYTES]
  holdfast-agent stop-units --data DIR      stop what runs; only while no agent runs
`;

async function run(args: readonly string[]): Promise<void> {
  const options = readRunOptions(args);
  const log = createLog({ level: options.logLevel, write: (line) => void process.stdout.write(line), nowMs: Date.now });
  const agent = new Agent(options, log, Date.now);
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info("agent.stopping", { signal });
    void agent.stop().then(() => process.exit(0), (error: unknown) => {
      log.error("agent.stopFailed", { message: textOf(error) });
      process.exit(1);
    });
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  try {
    await agent.start();
  } catch (error) {
    log.error("agent.notStarted", error instanceof Fault ? { code: error.code, message: error.message, remedy: error.remedy } : { code: "internal", message: textOf(error) });
    await agent.stop().catch(() => undefined);
    throw error;
  }
}

async function main(args: readonly string[]): Promise<void> {
  if (args[0] === "--version" || args[0] === "version") process.stdout.write(`${AGENT_VERSION}\n`);
  else if (args[0] === "--help" || args[0] === "help" || args.length === 0) process.stdout.write(HELP);
  else if (args[0] !== undefined && args[0] in localCommands) {
    const terminal = { write: (text: string): void => void process.stdout.write(text), nowMs: Date.now, width: process.stdout.columns ?? 400 };
    await localCommands[args[0] as keyof typeof localCommands](args.slice(1), terminal);
  } else await run(args);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof Fault) process.stderr.write(`${error.code}: ${error.message}\n${error.remedy}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(error instanceof Fault ? exitCodeOf[error.code] : 1);
});
