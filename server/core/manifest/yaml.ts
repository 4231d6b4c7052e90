import { stringify } from "yaml";
import { hideEnvironment } from "./environment";
import type { Manifest } from "./kinds";

/** A manifest as YAML for people: fixed order of the top fields, environment values hidden. */
export function manifestYaml(m: Manifest): string {
  const { apiVersion, kind, metadata, spec } = hideEnvironment(m);
  return stringify({ apiVersion, kind, metadata, spec }, { lineWidth: 0, aliasDuplicateObjects: false });
}
