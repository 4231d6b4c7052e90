import { Agent } from "./agent";
import { readRunOptions } from "./options";
import { exitCodeOf, Fault, textOf } from "./platform/fault";
import { createLog } from "./platform/log";
import { AGENT_VERSION } from "./version";

const HELP = `Holdfast agent ${AGENT_VERSION}

First start (copy it from Settings, join tokens):
  holdfast-agent --gateway HOST:PORT --token TOKEN --ca-fingerprint sha256:HEX --data DIR
Later starts:
  holdfast-agent --data DIR
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
  else await run(args);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof Fault) process.stderr.write(`${error.code}: ${error.message}\n${error.remedy}\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(error instanceof Fault ? exitCodeOf[error.code] : 1);
});
