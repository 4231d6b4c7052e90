"use client";

import { useId } from "react";
import { Checkbox } from "@/components/ui/checkbox";
import { Field } from "@/components/ui/label";
import { Select } from "@/components/ui/select";
import { roles, type Role } from "@/server/core/access/roles";
import { roleMeaning } from "./words";

/** One role to choose; none is preselected. */
export function RoleSelect({ value, onChange }: { value: Role | undefined; onChange: (role: Role) => void }) {
  return (
    <Field label="Role" help={value ? roleMeaning[value] : "What they may do in this project."}>
      <SelectWithId value={value} onChange={onChange} />
    </Field>
  );
}

function SelectWithId({ id, value, onChange }: { id?: string; value: Role | undefined; onChange: (role: Role) => void }) {
  return (
    <Select
      id={id}
      value={value}
      onValueChange={onChange}
      placeholder="Choose a role"
      className="w-full"
      options={roles.map((role) => ({ value: role, label: role, hint: roleMeaning[role] }))}
    />
  );
}

/** Several roles to tick. */
export function RoleChecks({ roles: held, onChange }: { roles: readonly Role[]; onChange: (roles: Role[]) => void }) {
  const id = useId();
  return (
    <ul className="flex flex-col gap-2">
      {roles.map((role) => (
        <li key={role} className="flex items-start gap-2">
          <Checkbox
            id={`${id}-${role}`}
            className="mt-0.5"
            checked={held.includes(role)}
            onCheckedChange={(on) => onChange(on === true ? [...held, role] : held.filter((one) => one !== role))}
          />
          <label htmlFor={`${id}-${role}`} className="text-sm">
            <span className="font-medium">{role}</span>
            <span className="block text-muted-foreground">{roleMeaning[role]}</span>
          </label>
        </li>
      ))}
    </ul>
  );
}
