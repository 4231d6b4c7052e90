import type { ComponentProps } from "react";
import NextLink from "next/link";

/**
 * A link inside the console. It fetches nothing before it is pressed: a list of a hundred rows would otherwise ask the
 * server for a hundred pages that nobody opens.
 */
export default function Link(props: ComponentProps<typeof NextLink>) {
  return <NextLink prefetch={false} {...props} />;
}
