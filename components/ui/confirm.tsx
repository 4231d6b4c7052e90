"use client";

import { useState, type ReactNode } from "react";
import { AlertDialog as Primitive } from "radix-ui";
import { Button } from "./button";
import { cn } from "./cn";
import { Field } from "./label";
import { Input, Textarea } from "./input";

/**
 * Asks before something that matters happens. It states the consequences, can ask for a reason (kept in the audit
 * log) and, for what cannot be undone, for the object's name. Nothing is preselected.
 */
export function Confirm({
  open,
  onOpenChange,
  title,
  consequences,
  action,
  destructive,
  reason: wantsReason,
  typeName,
  busy,
  error,
  command,
  wide,
  onConfirm,
  children,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What will happen, as sentences. */
  consequences: ReactNode;
  /** Verb and object: "Drain node". */
  action: string;
  destructive?: boolean;
  /** Ask for a sentence that goes to the audit log. */
  reason?: "required" | "optional";
  /** The name that must be typed before the action can be taken. */
  typeName?: string;
  busy?: boolean;
  error?: ReactNode;
  /** The same action at the command line. */
  command?: ReactNode;
  /** Room for a table among the consequences. */
  wide?: boolean;
  onConfirm: (reason: string) => void;
  children?: ReactNode;
}) {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const why =
    wantsReason === "required" && reason.trim().length < 3
      ? "Write a reason of at least three characters: it goes to the audit log."
      : typeName && typed !== typeName
        ? `Type ${typeName} to confirm.`
        : null;
  return (
    <Primitive.Root
      open={open}
      onOpenChange={(next) => {
        if (!next) {
          setReason("");
          setTyped("");
        }
        onOpenChange(next);
      }}
    >
      <Primitive.Portal>
        <Primitive.Overlay className="fixed inset-0 z-50 bg-overlay data-[state=open]:animate-in data-[state=open]:fade-in-0 data-[state=open]:duration-100" />
        <Primitive.Content
          className={cn(
            "fixed left-1/2 top-[14vh] z-50 flex max-h-[80dvh] w-[min(480px,calc(100vw-32px))] -translate-x-1/2 flex-col overflow-y-auto rounded-lg bg-popover p-4 shadow-pane outline-none data-[state=open]:animate-in data-[state=open]:fade-in-0 data-[state=open]:duration-100 max-sm:inset-x-0 max-sm:bottom-0 max-sm:top-auto max-sm:w-full max-sm:translate-x-0 max-sm:rounded-b-none",
            wide && "top-[8vh] max-h-[88dvh] w-[min(680px,calc(100vw-32px))]",
          )}
        >
          <Primitive.Title className="text-md font-semibold">{title}</Primitive.Title>
          <Primitive.Description asChild>
            <div className="mt-1.5 flex flex-col gap-1.5 text-base text-muted-foreground">{consequences}</div>
          </Primitive.Description>
          <form
            className="mt-3 flex flex-col gap-3"
            onSubmit={(event) => {
              event.preventDefault();
              if (!why && !busy) onConfirm(reason.trim());
            }}
          >
            {children}
            {wantsReason ? (
              <Field label="Reason" optional={wantsReason === "optional"} help="Kept in the audit log, next to your name.">
                <Textarea rows={2} maxLength={500} value={reason} onChange={(event) => setReason(event.target.value)} />
              </Field>
            ) : null}
            {typeName ? (
              <Field label={<>Type <code className="select-all">{typeName}</code> to confirm</>}>
                <Input autoComplete="off" spellCheck={false} value={typed} onChange={(event) => setTyped(event.target.value)} />
              </Field>
            ) : null}
            {error ? (
              <p role="alert" className="rounded-md bg-failing-soft px-2 py-1.5 text-sm text-failing">
                {error}
              </p>
            ) : null}
            {command}
            <div className="flex justify-end gap-2">
              <Primitive.Cancel asChild>
                <Button>Keep as it is</Button>
              </Primitive.Cancel>
              <Button type="submit" variant={destructive ? "destructive" : "primary"} busy={busy} disabledReason={why}>
                {action}
              </Button>
            </div>
          </form>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
