/** The rows that store tests stand on: a site and nodes, made directly. Features' tests use the features' own commands. */
import { newId } from "../platform";
import { nodes, sites } from "../store";
import type { Store } from "../store";

export const DEFAULT_PROJECT = { id: "project-default", name: "default" } as const;

/** Makes a site and answers with its id. */
export async function makeSite(store: Store, name: string): Promise<string> {
  const id = newId("site");
  await store.inTransaction((tx) => sites.upsert(tx.client, { id, projectId: DEFAULT_PROJECT.id, name, title: name, kind: "edge", jurisdiction: "DE", timeZone: "Europe/Berlin", spec: {} }));
  return id;
}

/** Makes a node and answers with its id. */
export async function makeNode(store: Store, siteId: string, name: string): Promise<string> {
  const id = newId("node");
  await store.inTransaction((tx) => nodes.insert(tx.client, { id, projectId: DEFAULT_PROJECT.id, siteId, name, labels: {}, trustTier: "software" }));
  return id;
}
