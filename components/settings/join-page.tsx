"use client";

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import Link from "@/components/ui/link";
import { Plus } from "lucide-react";
import { parseAsBoolean, parseAsString, useQueryStates } from "nuqs";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { useProject } from "@/components/shell/project-context";
import { Age, StateMark, Until, type State } from "@/components/state";
import { Button } from "@/components/ui/button";
import { PageBody, Section } from "@/components/ui/page";
import { PlainTable, type PlainColumn } from "@/components/ui/plain-table";
import type { RouterOutputs } from "@/server/trpc";
import { JoinDialog } from "./join-dialog";
import { Part } from "./part";
import { useOutcome } from "./use-outcome";

type Token = RouterOutputs["fleet"]["joinTokens"][number];
const stateOf: Record<Token["state"], State> = { open: "pending", used: "healthy", expired: "silent", revoked: "failing" };

/** Tokens by which machines join the fleet: used once, good for fifteen minutes. */
export function JoinPage() {
  const { project, why } = useProject();
  const trpc = useTRPC();
  const tokens = useQuery(trpc.fleet.joinTokens.queryOptions({ project }, { refetchInterval: 20_000 }));
  const [view, setView] = useQueryStates({ new: parseAsBoolean.withDefault(false), site: parseAsString });
  const [attempt, setAttempt] = useState(0);
  const revoke = useMutation(trpc.fleet.revokeJoinToken.mutationOptions(useOutcome(trpc.fleet.joinTokens.pathFilter())));
  const columns: PlainColumn<Token>[] = [
    {
      head: "Site",
      bare: true,
      cell: (token) => (
        <Link href={routes.site(project, token.site)} className="font-medium hover:underline">
          {token.site}
        </Link>
      ),
    },
    { head: "State", bare: true, className: "whitespace-nowrap", cell: (token) => <StateMark state={stateOf[token.state]} word={token.state} age={token.state === "open" ? <Until at={token.expiresAtMs} /> : null} /> },
    {
      head: "Used by",
      cell: (token) =>
        token.usedByNode ? (
          <Link href={routes.node(project, token.usedByNode)} className="link">
            {token.usedByNode}
          </Link>
        ) : (
          <span className="text-muted-foreground">nobody</span>
        ),
    },
    { head: "Made by", cell: (token) => token.createdBy },
    { head: "Made", numeric: true, cell: (token) => <Age at={token.createdAtMs} className="min-w-0" /> },
  ];
  return (
    <PageBody>
      <Section
        title="Join tokens"
        hint="used once, good for 15 minutes"
        aside={
          <Button
            variant="primary"
            size="sm"
            disabledReason={why("fleet.enrol")}
            onClick={() => {
              setAttempt(attempt + 1);
              void setView({ new: true });
            }}
          >
            <Plus aria-hidden /> Enrol a machine
          </Button>
        }
        flush
      >
        <Part query={tokens} what="join tokens" permission="fleet.enrol">
          {(rows) =>
            rows.length === 0 ? (
              <p className="max-w-prose px-3 py-3 text-sm text-muted-foreground">
                No token has been made yet. “Enrol a machine” gives you one exact command. Run on the machine, it fetches the agent, checks it against
                its checksum, makes a key that never leaves the machine, and dials out to the gateway. The machine needs Node 20 and no open port.
              </p>
            ) : (
              <PlainTable
                label="Join tokens"
                rows={rows}
                keyOf={(token) => token.id}
                columns={columns}
                commands={(token) => (
                  <Button
                    size="sm"
                    variant="ghost"
                    busy={revoke.isPending && revoke.variables.id === token.id}
                    disabledReason={why("fleet.enrol") ?? (token.state !== "open" ? `It is ${token.state}.` : null)}
                    onClick={() => revoke.mutate({ project, id: token.id })}
                  >
                    Revoke
                  </Button>
                )}
              />
            )
          }
        </Part>
      </Section>
      {view.new ? <JoinDialog key={attempt} site={view.site} onClose={() => void setView({ new: null, site: null })} /> : null}
    </PageBody>
  );
}
