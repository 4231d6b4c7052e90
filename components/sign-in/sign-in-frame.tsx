import type { ReactNode } from "react";
import { Anchor } from "lucide-react";

/** The page around signing in: the name, the form, nothing else. */
export function SignInFrame({ children }: { children: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center bg-background px-4 pt-[16vh] max-sm:pt-12">
      <div className="w-full max-w-85">
        <p className="mb-4 flex items-center gap-2 text-md font-semibold tracking-tight">
          <Anchor className="size-4.5 text-link" strokeWidth={2.4} aria-hidden />
          Holdfast
        </p>
        <div className="rounded-lg border bg-card p-5">{children}</div>
        <p className="mt-3 text-xs text-muted-foreground">
          Lost your password? Whoever runs the server can set a new one there: <code>admin.mjs recover-password</code>.
        </p>
      </div>
    </main>
  );
}
