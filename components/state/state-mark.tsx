import type { ReactNode } from "react";
import { cn } from "@/components/ui/cn";
import { stateInk, stateMeaning, stateWord, type State } from "./states";

/** The shape of a state alone: filled dot, half dot, cross, hollow dot, ring. Decorative unless `label` is given. */
export function StateShape({ state, size = 10, label, className }: { state: State; size?: number; label?: string; className?: string }) {
  return (
    <svg
      viewBox="0 0 12 12"
      width={size}
      height={size}
      className={cn("shrink-0", stateInk[state], className)}
      {...(label ? { role: "img", "aria-label": label } : { "aria-hidden": true })}
    >
      {shapes[state]}
    </svg>
  );
}

const shapes: Record<State, ReactNode> = {
  healthy: <circle cx="6" cy="6" r="5" fill="currentColor" />,
  degraded: (
    <>
      <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.4" />
      <path d="M6 1.6a4.4 4.4 0 0 0 0 8.8z" fill="currentColor" />
    </>
  ),
  failing: <path d="M2 2l8 8M10 2l-8 8" stroke="currentColor" strokeWidth="2.3" strokeLinecap="round" fill="none" />,
  silent: <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.4" strokeDasharray="2.1 1.35" />,
  pending: (
    <>
      <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" strokeWidth="1.4" />
      <circle cx="6" cy="6" r="1.5" fill="currentColor" />
    </>
  ),
};

/**
 * The state of one thing: shape, word and colour together. `word` replaces the general word where the thing has its own
 * ("draining"); `age` stands next to silence and wherever a value has one.
 */
export function StateMark({
  state,
  word,
  age,
  soft,
  className,
}: {
  state: State;
  word?: ReactNode;
  age?: ReactNode;
  /** On a tinted ground, for heads of pages. */
  soft?: boolean;
  className?: string;
}) {
  return (
    <span
      title={stateMeaning[state]}
      className={cn(
        "inline-flex min-w-0 items-center gap-1.5 whitespace-nowrap text-sm",
        stateInk[state],
        "align-middle",
        soft && "h-5 rounded-sm px-1.5 text-xs font-medium",
        soft && softGround[state],
        className,
      )}
    >
      <StateShape state={state} />
      <span className="truncate">{word ?? stateWord[state]}</span>
      {age ? <span className="tnum text-xs opacity-90">{age}</span> : null}
    </span>
  );
}

const softGround: Record<State, string> = {
  healthy: "bg-healthy-soft",
  degraded: "bg-degraded-soft",
  failing: "bg-failing-soft",
  silent: "bg-silent-soft hatched",
  pending: "bg-pending-soft",
};

/** What the five shapes mean; stands next to graphs. */
export function StateLegend({ className }: { className?: string }) {
  return (
    <ul className={cn("flex flex-wrap gap-x-4 gap-y-1", className)}>
      {(["healthy", "degraded", "failing", "silent", "pending"] as const).map((state) => (
        <li key={state}>
          <StateMark state={state} className="text-xs" />
        </li>
      ))}
    </ul>
  );
}
