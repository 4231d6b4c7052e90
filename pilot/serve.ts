import { readFileSync } from "node:fs";
import { parseModel } from "./digits/model";
import { numberFrom, processEnvironment, required } from "./env";
import { HttpClient } from "./workload/http";
import { PredictServer } from "./workload/server";
import { TelemetryReporter } from "./workload/telemetry";

/**
 * The pilot's workload: loads the model the agent fetched (HOLDFAST_ARTIFACT_MODEL) and serves it on PORT.
 * SIGTERM drains: requests in hand are answered, telemetry is handed over, then it exits with 0.
 */
async function main(): Promise<void> {
  const env = processEnvironment();
  const model = parseModel(readFileSync(required(env, "HOLDFAST_ARTIFACT_MODEL"), "utf8"));
  const client = new HttpClient();
  const reporter = new TelemetryReporter({ agentUrl: required(env, "HOLDFAST_AGENT_URL"), token: required(env, "HOLDFAST_UNIT_TOKEN"), client });
  const revision = numberFrom(env, "HOLDFAST_REVISION", 0, 0, Number.MAX_SAFE_INTEGER);
  const server = new PredictServer({ model, revision, port: numberFrom(env, "PORT", 0, 0, 65_535), reporter });
  const port = await server.listen();
  console.log(`serving ${model.name}, revision ${revision}, on 127.0.0.1:${port}`);
  const stop = async (): Promise<void> => {
    console.log("draining");
    await server.drain();
    await reporter.close();
    client.close();
    console.log(`drained${reporter.dropped > 0 ? `; ${reporter.dropped} telemetry entries were dropped` : ""}`);
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
