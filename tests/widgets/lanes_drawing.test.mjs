import assert from "node:assert/strict";
import test from "node:test";

const { layout } = await import(process.env.MODULE);

for (const width of [300, 360, 639, 640, 900, 1600]) {
  test(`in ${width} px everything is inside and nothing overlaps`, () => {
    const { height, boxes } = layout(width, 4);
    assert.equal(boxes.length, 4);
    boxes.forEach(({ y, client, server, head, strip }, at) => {
      assert.ok(client < server && server - client > width / 3);
      assert.ok(head <= width);
      assert.ok(strip.x > 0 && strip.width > 100 && strip.x + strip.width + 40 <= width);
      const below = boxes[at + 1]?.y ?? height;
      assert.ok(y + 68 <= below && strip.y + strip.height <= below);
      assert.ok(strip.x > server || strip.y >= y + 68); // beside the lane, or below it
    });
  });
}
