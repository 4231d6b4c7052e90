import type { PreviewView } from "@/server/core/views";
import type { Change } from "./use-preview";

/** A change that was carried out, with what its preview said just before. */
export interface Saved {
  view: PreviewView;
  change: Change;
}

/** Under which the screens remember what was saved of an object, such as "PlacementPolicy eu" or "Node kiel-1". */
export const followedKey = (project: string, object: string): readonly unknown[] => ["followed", project, object];
