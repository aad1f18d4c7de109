#!/usr/bin/env node
// Plain JavaScript: a Node that is too old for the program must still be able to read the sentence that says so.
const NODE_MAJOR_MIN = 24;

const found = process.versions.node;
if (Number(found.split('.')[0]) >= NODE_MAJOR_MIN) {
  await import('./earmark.ts');
} else {
  process.stderr.write(
    `earmark needs Node ${NODE_MAJOR_MIN} or newer and was started by Node ${found}; ` +
      'run it in the checkout as "npx earmark", which brings its own.\n',
  );
  process.exitCode = 2;
}
