import { StateMark } from "@/components/state";
import { Table, Td, Th, Tr } from "@/components/ui/table";
import type { WorkloadDetail } from "@/server/core/views";

/** What a workload is meant to reach and what was measured. */
export function Objectives({ objectives }: { objectives: WorkloadDetail["objectives"] }) {
  if (objectives.length === 0) return <p className="px-3 py-2 text-sm text-muted-foreground">None is set: add spec.objectives to its manifest.</p>;
  return (
    <Table label="Objectives">
      <thead>
        <tr>
          <Th>Objective</Th>
          <Th>Target</Th>
          <Th>Measured</Th>
          <Th>State</Th>
        </tr>
      </thead>
      <tbody>
        {objectives.map((o) => (
          <Tr key={o.name}>
            <Td>{o.name}</Td>
            <Td className="tnum">{o.target}</Td>
            <Td className="tnum">{o.measured ?? <span className="text-muted-foreground">not measured</span>}</Td>
            <Td>
              <span title={o.state.because}>
                <StateMark state={o.state.state} />
              </span>
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}
