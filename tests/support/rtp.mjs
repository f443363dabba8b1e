// SPDX-License-Identifier: MIT
// The parts of RTP (RFC 3550) and of H.264 over it (RFC 6184) that are needed to break a stream in a certain place.

/** Types of NAL units (H.264, table 7-1). */
export const [SPS, PPS] = [7, 8];
const IDR = 5;

const HEADER = 12;
const FU_A = 28;
const STAP_A = 24;
const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;

/** The fields of the RTP packet DATA: {marker, sequence, timestamp, payload: where it begins}. */
export function parseRtp(data) {
  let payload = HEADER + (data[0] & 0x0f) * 4;
  if (data[0] & 0x10) payload += 4 + data.readUInt16BE(payload + 2) * 4;
  return {
    marker: (data[1] & 0x80) !== 0,
    sequence: data.readUInt16BE(2),
    timestamp: data.readUInt32BE(4),
    payload,
  };
}

/** The type of the first NAL unit in an RTP packet of H.264. */
export function nalType(data) {
  const { payload } = parseRtp(data);
  const type = data[payload] & 0x1f;
  if (type === FU_A) return data[payload + 1] & 0x1f;
  if (type === STAP_A) return data[payload + 3] & 0x1f;
  return type;
}

/** Whether an RTP packet of H.264 belongs to a keyframe: parameter sets, or a part of an IDR picture. */
export const ofKeyframe = (data) => [IDR, SPS, PPS].includes(nalType(data));

/** A copy of an RTP packet with other fields: {sequence, timestamp, ssrc} are functions of the present value. */
export function changed(data, { sequence, timestamp, ssrc }) {
  const copy = Buffer.from(data);
  if (sequence) copy.writeUInt16BE(sequence(data.readUInt16BE(2)) & 0xffff, 2);
  if (timestamp) copy.writeUInt32BE(timestamp(data.readUInt32BE(4)) >>> 0, 4);
  if (ssrc) copy.writeUInt32BE(ssrc(data.readUInt32BE(8)) >>> 0, 8);
  return copy;
}

/** A copy of a compound RTCP packet whose sender report, if it begins with one, has its time of day moved by SECONDS and its
 *  RTP time by TICKS. */
export function changedReport(data, { seconds = 0, ticks = 0 }) {
  const copy = Buffer.from(data);
  if (copy.length < 28 || copy[1] !== SENDER_REPORT) return copy;
  copy.writeUInt32BE((copy.readUInt32BE(8) + seconds) >>> 0, 8);
  copy.writeUInt32BE((copy.readUInt32BE(16) + ticks) >>> 0, 16);
  return copy;
}

/** The first report block of a compound RTCP packet that begins with a receiver report, or null. */
export function receiverReport(data) {
  if (data.length < 32 || data[1] !== RECEIVER_REPORT || (data[0] & 0x1f) === 0) return null;
  return { ssrc: data.readUInt32BE(8), lost: data.readIntBE(13, 3), sequence: data.readUInt16BE(18), lastReport: data.readUInt32BE(24) };
}
