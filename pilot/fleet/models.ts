import { parse, stringify } from "yaml";
import { PROJECT, upload, type Api, type Server } from "./api";
import type { PilotArtifact } from "./artifacts";

/** What applying a model led to. `rolloutUrl` is where to watch it, null when no rollout was needed. */
export type ModelApplied = { readonly model: string; readonly changed: boolean; readonly generation: number | null; readonly consequence: string; readonly rolloutUrl: string | null };

/**
 * Applies the classifier's present manifest with another model, so that whatever else people changed in it stays.
 * Throws when there is no such model, or when the server refuses.
 */
export async function applyModel(api: Api, server: Server, artifacts: readonly PilotArtifact[], model: string, reason: string): Promise<ModelApplied> {
  const wanted = artifacts.find((artifact) => artifact.name === model);
  if (wanted === undefined) throw new Error(`there is no model ${model}`);
  await upload(api, server, wanted);
  const { manifestYaml } = await api.workloads.get.query({ project: PROJECT, name: "digits" });
  const { objects } = await api.manifests.applyText.mutate({ project: PROJECT, text: withModel(manifestYaml, wanted.digest), dryRun: false, reason });
  const [object] = objects;
  const number = object?.rolloutNumber ?? null;
  return {
    model, changed: object?.action !== "unchanged", generation: object?.generation ?? null, consequence: object?.consequence ?? "",
    rolloutUrl: number === null ? null : new URL(`/p/${PROJECT}/rollouts/${number}`, server.url).href,
  };
}

/** The manifest with another digest for its model. Throws when it has variables, whose values a reader does not get. */
export function withModel(manifestYaml: string, digest: string): string {
  const manifest = parse(manifestYaml) as { spec: { template: { artifacts: { name: string; digest: string }[]; env?: Record<string, unknown> } } };
  const { artifacts, env } = manifest.spec.template;
  if (Object.keys(env ?? {}).length > 0) throw new Error("the manifest of digits has variables whose values are masked here. Apply the model in the console instead.");
  const entry = artifacts.find((artifact) => artifact.name === "model");
  if (entry === undefined) throw new Error('the manifest of digits has no artifact "model". Apply the model in the console instead.');
  entry.digest = digest;
  return stringify(manifest);
}
