/** Pure judging of canaries: from measured evidence and a template to a verdict with its reasons. */
export * from "./judge";
