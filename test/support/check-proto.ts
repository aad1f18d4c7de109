import { PROTO_CHECKS, REPOSITORY_ROOT } from './proto-checks.ts';

for (const check of PROTO_CHECKS) {
  const findings = check.run(REPOSITORY_ROOT);
  process.stdout.write(`${check.name}: ${findings.length === 0 ? 'ok' : 'failed'}\n`);
  for (const finding of findings) process.stdout.write(`  ${finding}\n`);
  if (findings.length > 0) process.exitCode = 1;
}
