"use client";

import { useRouter } from "next/navigation";
import { useMutation } from "@tanstack/react-query";
import { Check, KeyRound, Keyboard, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useTheme } from "next-themes";
import { useTRPC } from "@/app/_client/trpc";
import { routes } from "@/components/routes";
import { Button } from "@/components/ui/button";
import { DropdownMenu, DropdownMenuContent, DropdownMenuItem, DropdownMenuLabel, DropdownMenuSeparator, DropdownMenuTrigger } from "@/components/ui/dropdown-menu";
import type { MeView } from "@/server/core/views";

const themes = [
  { value: "light", label: "Light", icon: Sun },
  { value: "dark", label: "Dark", icon: Moon },
  { value: "system", label: "As the system", icon: Monitor },
] as const;

/** Who is signed in, their roles here, the theme, the keys, and the way out. */
export function PersonMenu({ me, project, onKeys }: { me: MeView | null; project: string; onKeys: () => void }) {
  const { theme, setTheme } = useTheme();
  const router = useRouter();
  const signOut = useSignOut();
  const roles = me?.projects.find((one) => one.name === project)?.roles ?? [];
  const initials = (me?.name ?? "").split(/\s+/).map((part) => part[0] ?? "").join("").slice(0, 2).toUpperCase();
  return (
    <DropdownMenu>
      <DropdownMenuTrigger asChild>
        <Button variant="ghost" size="icon" aria-label={me ? `Signed in as ${me.name}` : "Person"} title={me?.name}>
          <span aria-hidden className="grid size-6 place-items-center rounded-full bg-secondary text-2xs font-semibold text-secondary-foreground">
            {initials || "?"}
          </span>
        </Button>
      </DropdownMenuTrigger>
      <DropdownMenuContent className="w-60">
        {me ? (
          <div className="px-2 py-1.5">
            <p className="truncate text-sm font-semibold">{me.name}</p>
            <p className="truncate text-xs text-muted-foreground">
              {me.login}, {roles.length > 0 ? roles.join(", ") : "no role"} in {project}
            </p>
          </div>
        ) : null}
        <DropdownMenuSeparator />
        <DropdownMenuLabel>Theme</DropdownMenuLabel>
        {themes.map((one) => (
          <DropdownMenuItem key={one.value} onSelect={() => setTheme(one.value)}>
            <one.icon aria-hidden />
            <span className="flex-1">{one.label}</span>
            {theme === one.value ? <Check aria-label="in use" /> : null}
          </DropdownMenuItem>
        ))}
        <DropdownMenuSeparator />
        <DropdownMenuItem onSelect={onKeys}>
          <Keyboard aria-hidden /> Keyboard
        </DropdownMenuItem>
        {me?.strength === "password" ? (
          <DropdownMenuItem onSelect={() => router.push(routes.changePassword())}>
            <KeyRound aria-hidden /> Change password
          </DropdownMenuItem>
        ) : null}
        <DropdownMenuItem onSelect={() => signOut.mutate()}>
          <LogOut aria-hidden /> Sign out
        </DropdownMenuItem>
      </DropdownMenuContent>
    </DropdownMenu>
  );
}

/** Ends the session on the server, then leaves. The page is loaded anew, so that nothing of the session stays in memory. */
export function useSignOut() {
  const trpc = useTRPC();
  return useMutation(trpc.me.signOut.mutationOptions({ onSettled: () => window.location.assign(routes.signIn()) }));
}
