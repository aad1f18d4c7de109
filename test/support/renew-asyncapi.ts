import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApiText } from './asyncapi-document.ts';

const root = join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
writeFileSync(join(root, 'asyncapi.yaml'), asyncApiText(version));
