// Writes `.br` and `.gz` beside each file named as an argument, where that is smaller.
const { readFileSync, writeFileSync } = require("node:fs");
const { brotliCompressSync, constants, gzipSync } = require("node:zlib");

for (const file of process.argv.slice(1)) {
  const content = readFileSync(file);
  const brotli = brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
  for (const [kind, packed] of [["br", brotli], ["gz", gzipSync(content, { level: 9 })]]) {
    if (packed.length < content.length) writeFileSync(`${file}.${kind}`, packed);
  }
}
