export { Age, At, Elapsed, Until } from "./age";
export { FreshnessChip, type Connection } from "./freshness";
export { IntervalCount } from "./interval-count";
export { serverNowMs, setClockOffset, useNow } from "./now";
export { StateLegend, StateMark, StateShape } from "./state-mark";
export { byUrgency, stateInk, stateMeaning, states, stateVar, stateWord, type State } from "./states";
export { absoluteText, ageText, clockSecondsText, clockText, durationText, toMs, type Moment } from "./time";
