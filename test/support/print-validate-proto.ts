import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { file_buf_validate_validate } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** Where the printed file is committed. */
export const VALIDATE_PROTO_PATH = fileURLToPath(
  new URL('../../proto/third_party/buf/validate/validate.proto', import.meta.url),
);

const NOTICE = `// Copyright 2023-2026 Buf Technologies, Inc.
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//      http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

// Printed by test/support/print-validate-proto.ts from the descriptor in the npm package
// @bufbuild/protovalidate. Changed here: comments and the CEL text of the predefined rules are
// left out, because the library brings its own copy of both. Do not edit.
`;

const MAX_FIELD_NUMBER_EXCLUSIVE = 536_870_912;
const INDENT = '  ';

const SCALAR_NAMES: ReadonlyMap<FieldDescriptorProto_Type, string> = new Map([
  [FieldDescriptorProto_Type.DOUBLE, 'double'],
  [FieldDescriptorProto_Type.FLOAT, 'float'],
  [FieldDescriptorProto_Type.INT64, 'int64'],
  [FieldDescriptorProto_Type.UINT64, 'uint64'],
  [FieldDescriptorProto_Type.INT32, 'int32'],
  [FieldDescriptorProto_Type.FIXED64, 'fixed64'],
  [FieldDescriptorProto_Type.FIXED32, 'fixed32'],
  [FieldDescriptorProto_Type.BOOL, 'bool'],
  [FieldDescriptorProto_Type.STRING, 'string'],
  [FieldDescriptorProto_Type.BYTES, 'bytes'],
  [FieldDescriptorProto_Type.UINT32, 'uint32'],
  [FieldDescriptorProto_Type.SFIXED32, 'sfixed32'],
  [FieldDescriptorProto_Type.SFIXED64, 'sfixed64'],
  [FieldDescriptorProto_Type.SINT32, 'sint32'],
  [FieldDescriptorProto_Type.SINT64, 'sint64'],
]);

function typeName(field: FieldDescriptorProto): string {
  return SCALAR_NAMES.get(field.type) ?? field.typeName;
}

function printField(field: FieldDescriptorProto, indent: string, inOneof: boolean): string {
  const repeated = field.label === FieldDescriptorProto_Label.REPEATED;
  const label = inOneof ? '' : repeated ? 'repeated ' : 'optional ';
  const option = field.options?.deprecated ? ' [deprecated = true]' : '';
  return `${indent}${label}${typeName(field)} ${field.name} = ${field.number}${option};\n`;
}

function printEnum(descriptor: EnumDescriptorProto, indent: string): string {
  const values = descriptor.value.map((value) => `${indent}${INDENT}${value.name} = ${value.number};\n`);
  return `${indent}enum ${descriptor.name} {\n${values.join('')}${indent}}\n`;
}

function printRange(start: number, endExclusive: number): string {
  return `${start} to ${endExclusive === MAX_FIELD_NUMBER_EXCLUSIVE ? 'max' : endExclusive - 1}`;
}

function printMessage(descriptor: DescriptorProto, indent: string): string {
  const inner = indent + INDENT;
  const parts: string[] = [];
  for (const [index, oneof] of descriptor.oneofDecl.entries()) {
    const members = descriptor.field.filter((field) => field.oneofIndex === index && isOneofMember(field));
    const body = members.map((field) => printField(field, inner + INDENT, true)).join('');
    parts.push(`${inner}oneof ${oneof.name} {\n${body}${inner}}\n`);
  }
  parts.push(...descriptor.field.filter((f) => !isOneofMember(f)).map((field) => printField(field, inner, false)));
  parts.push(...descriptor.enumType.map((nested) => printEnum(nested, inner)));
  parts.push(...descriptor.nestedType.map((nested) => printMessage(nested, inner)));
  parts.push(
    ...descriptor.extensionRange.map((range) => `${inner}extensions ${printRange(range.start, range.end)};\n`),
  );
  parts.push(
    ...descriptor.reservedRange.map((range) =>
      range.end === range.start + 1
        ? `${inner}reserved ${range.start};\n`
        : `${inner}reserved ${printRange(range.start, range.end)};\n`,
    ),
  );
  parts.push(...descriptor.reservedName.map((name) => `${inner}reserved "${name}";\n`));
  return `${indent}message ${descriptor.name} {\n${parts.join('')}${indent}}\n`;
}

function isOneofMember(field: FieldDescriptorProto): boolean {
  return Object.hasOwn(field, 'oneofIndex') && !field.proto3Optional;
}

function printExtensions(file: FileDescriptorProto): string {
  return file.extension.map((field) => `extend ${field.extendee} {\n${printField(field, INDENT, false)}}\n`).join('\n');
}

/** The text of buf/validate/validate.proto that belongs to the installed @bufbuild/protovalidate. */
export function printValidateProto(): string {
  const file = file_buf_validate_validate.proto;
  const sections = [
    NOTICE,
    'syntax = "proto2";\n',
    `package ${file.package};\n`,
    [...file.dependency]
      .sort()
      .map((path) => `import "${path}";\n`)
      .join(''),
    ...file.enumType.map((descriptor) => printEnum(descriptor, '')),
    ...file.messageType.map((descriptor) => printMessage(descriptor, '')),
    printExtensions(file),
  ];
  return sections.join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(VALIDATE_PROTO_PATH, printValidateProto());
