import { notFound } from "next/navigation";

/** An address of a project at which there is nothing: said inside the shell, so that the menu stays. */
export default function Page() {
  notFound();
}
