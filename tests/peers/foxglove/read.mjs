// What Foxglove's own library finds in recordings: one line of JSON per file.
// A whole file is read through its index, as Foxglove does; a torn one from begin to end.

import { open, readFile } from "node:fs/promises";

import zstd from "@foxglove/wasm-zstd";
import { McapIndexedReader, McapStreamReader } from "@mcap/core";

await zstd.isLoaded;
const decompressHandlers = { zstd: (data, size) => zstd.decompress(data, Number(size)) };

class File {
  constructor(handle) {
    this.handle = handle;
  }
  async size() {
    return BigInt((await this.handle.stat()).size);
  }
  async read(offset, length) {
    const data = new Uint8Array(Number(length));
    const { bytesRead } = await this.handle.read(data, 0, data.length, Number(offset));
    if (bytesRead !== data.length) {
      throw new Error(`read ${bytesRead} of ${length} bytes at ${offset}`);
    }
    return data;
  }
}

function told(reader) {
  return { reader, messages: {}, encodings: {}, schemas: [], metadata: [], attachments: [] };
}

function keep(found, channel, message) {
  found.encodings[channel.topic] = channel.messageEncoding;
  (found.messages[channel.topic] ??= []).push([
    Number(message.sequence),
    String(message.logTime),
    Buffer.from(message.data).toString("hex"),
  ]);
}

async function indexed(readable) {
  const reader = await McapIndexedReader.Initialize({ readable, decompressHandlers });
  const found = told("indexed");
  for await (const message of reader.readMessages({ validateCrcs: true })) {
    keep(found, reader.channelsById.get(message.channelId), message);
  }
  for await (const record of reader.readMetadata()) {
    found.metadata.push(record.name);
  }
  for await (const record of reader.readAttachments({ validateCrcs: true })) {
    found.attachments.push([record.name, Buffer.from(record.data).toString("hex")]);
  }
  found.schemas = [...reader.schemasById.values()].map((one) => one.name);
  found.count = Number(reader.statistics.messageCount);
  return found;
}

async function streamed(path) {
  const reader = new McapStreamReader({ decompressHandlers, validateCrcs: true });
  reader.append(await readFile(path));
  const found = told("stream");
  const channels = new Map();
  for (let record; (record = reader.nextRecord()); ) {
    if (record.type === "Channel") {
      channels.set(record.id, record);
    } else if (record.type === "Message") {
      keep(found, channels.get(record.channelId), record);
    } else if (record.type === "Schema") {
      found.schemas.push(record.name);
    } else if (record.type === "Metadata") {
      found.metadata.push(record.name);
    } else if (record.type === "Attachment") {
      found.attachments.push([record.name, Buffer.from(record.data).toString("hex")]);
    }
  }
  return found;
}

for (const path of process.argv.slice(2)) {
  const handle = await open(path);
  let found;
  try {
    found = await indexed(new File(handle));
  } catch (error) {
    found = { ...(await streamed(path)), why: String(error.message) };
  }
  await handle.close();
  console.log(JSON.stringify(found));
}
