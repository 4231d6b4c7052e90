export { Age, At, Elapsed, Until } from "./age";
export { FreshnessChip, type Connection } from "./freshness";
export { IntervalCount } from "./interval-count";
export { useNow } from "./now";
export { StateLegend, StateMark, StateShape } from "./state-mark";
export { states, stateVar, stateWord, type State } from "./states";
export { absoluteText, ageText, clockText, durationText, type Moment } from "./time";
