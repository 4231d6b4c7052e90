import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseHeldOut } from "./digits/dataset";
import { numberFrom, processEnvironment, required } from "./env";
import { HttpClient } from "./workload/http";
import { ImageSender } from "./workload/sender";
import { TelemetryReporter } from "./workload/telemetry";

const STATS_EVERY_MS = 30_000;

/**
 * The pilot's client, a workload of kind daemon: sends real held-out images (HOLDFAST_ARTIFACT_IMAGES) to the
 * service SERVICE of its site at RATE_PER_SECOND, and their labels LABEL_DELAY_MIN_MS to LABEL_DELAY_MAX_MS later.
 * It answers health checks on PORT when it is given one, and ends on SIGTERM only.
 */
function main(): void {
  const env = processEnvironment();
  const images = parseHeldOut(readFileSync(required(env, "HOLDFAST_ARTIFACT_IMAGES"), "utf8"));
  const client = new HttpClient();
  const agentUrl = required(env, "HOLDFAST_AGENT_URL");
  const token = required(env, "HOLDFAST_UNIT_TOKEN");
  const reporter = new TelemetryReporter({ agentUrl, token, client });
  const min = numberFrom(env, "LABEL_DELAY_MIN_MS", 2_000, 0, 86_400_000);
  const sender = new ImageSender({
    agentUrl, token, client, reporter, images, service: env["SERVICE"] ?? "digits",
    // The start time keeps ids apart from those of the same unit before a restart.
    name: `${(env["HOLDFAST_NODE"] ?? "client").slice(0, 40)}.${Date.now().toString(36)}`,
    ratePerSecond: numberFrom(env, "RATE_PER_SECOND", 4, 0.01, 1_000),
    labelDelayMs: { min, max: Math.max(min, numberFrom(env, "LABEL_DELAY_MAX_MS", 5_000, 0, 86_400_000)) },
    random: Math.random,
  });
  sender.start();
  const summary = (): string => JSON.stringify({ ...sender.stats, labelsWaiting: sender.labels.size, reportsWaiting: reporter.waiting, dropped: sender.labels.dropped + reporter.dropped });
  const port = numberFrom(env, "PORT", 0, 0, 65_535);
  const health = createServer((_request, response) => response.writeHead(200, { "content-type": "application/json" }).end(summary()));
  if (port > 0) health.listen(port, "127.0.0.1");
  const stats = setInterval(() => console.log(summary()), STATS_EVERY_MS);
  console.log(`sending ${images.length} held-out images in turn`);
  const stop = async (): Promise<void> => {
    clearInterval(stats);
    sender.stop();
    health.close();
    await reporter.close();
    client.close();
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
}

try {
  main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
