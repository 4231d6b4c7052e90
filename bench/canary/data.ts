/** The public data that the generator draws from, read once. */
import fs from "node:fs";
import path from "node:path";

export interface GeneratorData {
  /** Seconds of work of one request on a host of factor 1. */
  work: Float32Array;
  /** Latency of one virtual machine over the mean of all of its kind. */
  vmRatios: Float64Array;
  /** Requests per 5 minutes over the mean. */
  load: Float64Array;
  /** Mean and standard deviation of the logarithm of a request's latency on a host of factor 1. */
  logMean: number;
  logSd: number;
}

/** Standard deviation of the logarithm of what one request varies by itself. */
export const REQUEST_SPREAD = 0.15;

/** The columns of a CSV file with a header, by name. Throws with file and column when one is missing. */
function columns(file: string, names: readonly string[]): Float64Array[] {
  const lines = fs.readFileSync(file, "utf8").trim().split(/\r?\n/);
  const header = (lines[0] ?? "").split(",");
  return names.map((name) => {
    const at = header.indexOf(name);
    if (at < 0) throw new Error(`${file} has no column ${name}; --data must be the folder that holds azure-llm/ and canary/`);
    const values = lines.slice(1).map((line) => Number(line.split(",")[at]));
    if (values.length === 0 || values.some((v) => !Number.isFinite(v))) throw new Error(`${file}: column ${name} holds what is no number`);
    return Float64Array.from(values);
  });
}

const mean = (values: ArrayLike<number>): number => Array.prototype.reduce.call(values, (a, b) => Number(a) + Number(b), 0) as number / values.length;

/** Reads the three data sets from the folder that holds `azure-llm/` and `canary/`. */
export function readData(folder: string): GeneratorData {
  const [context, generated] = columns(path.join(folder, "azure-llm/AzureLLMInferenceTrace_conv.csv"), ["ContextTokens", "GeneratedTokens"]) as [Float64Array, Float64Array];
  const work = Float32Array.from(context, (tokens, i) => 0.04 + 0.00006 * tokens + 0.004 * (generated[i] ?? 0));
  const [vm] = columns(path.join(folder, "canary/azure-vm-noise/pgbench25c_read_write_short_eastus_D8s_v5_ms.csv"), ["value"]) as [Float64Array];
  const [requests] = columns(path.join(folder, "canary/nab/realAWSCloudwatch/elb_request_count_8c0756.csv"), ["value"]) as [Float64Array];
  const vmMean = mean(vm);
  const loadMean = mean(requests);
  const logs = Float64Array.from(work, (w) => Math.log(w));
  const logMean = mean(logs);
  const variance = mean(logs.map((l) => (l - logMean) ** 2)) + REQUEST_SPREAD ** 2;
  return { work, vmRatios: vm.map((v) => v / vmMean), load: requests.map((r) => r / loadMean), logMean, logSd: Math.sqrt(variance) };
}
