import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildContractImage, CONTRACT_IMAGE, REPOSITORY_ROOT } from './proto-checks.ts';

const path = join(REPOSITORY_ROOT, CONTRACT_IMAGE);
const failures = buildContractImage(REPOSITORY_ROOT, path);
if (failures.length > 0) {
  process.stderr.write(`${failures.join('\n')}\n`);
  process.exitCode = 1;
} else {
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  process.stdout.write(`Put this line into the newest entry of CHANGELOG.md:\nContract image: sha256 ${sha256}\n`);
}
