/**
 * Selectors: CEL over the typed attributes `site` and `node`, checked at admission, pure and bounded.
 * Owns what a selector may ask; knows nothing of where nodes come from.
 */
export { attributes, selectorSubject } from "./attributes";
export type { DeviceFacts, NodeFactsForSelectors, SelectorSubject, SiteFacts, TrustTier } from "./attributes";
export { compileSelector } from "./compile";
export type { Selector, SelectorError, SelectorVerdict } from "./compile";
