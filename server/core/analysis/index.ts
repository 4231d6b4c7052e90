/** Pure judging of canaries: from measured evidence and a template to a verdict with its reasons. */
export * from "./judge";
export { judgeTemplate } from "./template";
export type { TemplateEvidence, TemplateVerdict } from "./template";
export type { MetricSeries, SeriesPoint } from "./compat/verdicts";
