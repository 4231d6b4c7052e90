export { ChartPanel } from "./chart-panel";
export { Meter } from "./meter";
export { TimeRangeControl, useTimeRange, type TimeRange } from "./time-range";
export { bytesText, coresText, countText, latencyText, shareText, valueText, type Unit } from "./units";
