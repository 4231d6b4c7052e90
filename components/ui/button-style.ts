import { cva } from "class-variance-authority";

/** The looks of a button; also used for links that act as buttons. */
export const buttonStyle = cva(
  "inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md font-medium transition-colors duration-75 aria-disabled:cursor-not-allowed aria-disabled:opacity-50 disabled:cursor-not-allowed disabled:opacity-50 [&_svg]:size-3.5 [&_svg]:shrink-0",
  {
    variants: {
      variant: {
        primary: "bg-primary text-primary-foreground hover:not-aria-disabled:bg-primary/88",
        secondary:
          "border border-border-strong bg-card text-foreground hover:not-aria-disabled:bg-accent data-[state=open]:bg-accent",
        ghost: "text-foreground hover:not-aria-disabled:bg-accent data-[state=open]:bg-accent",
        destructive: "bg-destructive text-destructive-foreground hover:not-aria-disabled:bg-destructive/88",
        link: "h-auto! px-0! text-link underline-offset-2 hover:underline",
      },
      size: {
        sm: "h-6 px-2 text-xs touch:h-8",
        md: "h-7 px-2.5 text-sm touch:h-9",
        lg: "h-9 px-4 text-base",
        icon: "size-7 touch:size-9",
        "icon-sm": "size-6 touch:size-8",
      },
    },
    defaultVariants: { variant: "secondary", size: "md" },
  },
);
