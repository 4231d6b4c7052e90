// Style sheets are imported for their effect; the bundler handles them.
declare module "*.css";
declare module "@fontsource-variable/inter/wght.css";
declare module "@fontsource-variable/jetbrains-mono/wght.css";
