// SPDX-License-Identifier: MIT
// A device that speaks ONVIF as far as finding its streams goes: WS-Discovery over UDP, and the device, Media and Media2 services
// over HTTP. It is as strict as a good camera about log-ins, and can answer anything else instead.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import dgram from 'node:dgram';
import { once } from 'node:events';
import http from 'node:http';

const GROUP = '239.255.255.250';
const PORT = 3702;
const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const DEVICE = 'http://www.onvif.org/ver10/device/wsdl';
const MEDIA = 'http://www.onvif.org/ver10/media/wsdl';
const MEDIA2 = 'http://www.onvif.org/ver20/media/wsdl';
const SCHEMA = 'http://www.onvif.org/ver10/schema';

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const md5 = (text) => createHash('md5').update(text).digest('hex');
const envelope = (body, namespaces = '') =>
  `<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="${SOAP}" xmlns:tds="${DEVICE}" xmlns:trt="${MEDIA}" xmlns:tr2="${MEDIA2}"` +
  ` xmlns:tt="${SCHEMA}" xmlns:ter="http://www.onvif.org/ver10/error"${namespaces}><e:Body>${body}</e:Body></e:Envelope>`;
const fault = (code, text) =>
  envelope(
    `<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>${code}</e:Value></e:Subcode></e:Code>` +
      `<e:Reason><e:Text xml:lang="en">${escape(text)}</e:Text></e:Reason></e:Fault>`,
  );

/** A profile as the options of a device have it; what is left out is as a usual main stream. */
const complete = (profile, index) => ({
  token: `profile_${index}`, name: `stream ${index}`, source: 'source_0', video: 'H264', audio: 'AAC', width: 1920, height: 1080,
  fps: 25, bitrate: 4096, gop: 50, uri: `rtsp://HOST:554/stream${index}`, ...profile,
});

export class OnvifDevice {
  /**
   * LOGIN: 'none', 'token' or 'digest', with USERNAME and PASSWORD. CLOCK_OFFSET: seconds that its clock is ahead. MEDIA2, SERVICES: which services it has, and
   * whether it knows GetServices. ANSWERS: for an operation, what is sent instead: a string, or a function (response, server) => nothing. SAYS_HOST: the
   * address that it thinks it has; SAYS_PORT: the port of its services but the device service. ADDRESS, PORT: where it listens; port 0 is a free one.
   * ON_KEYFRAME: called with the token of a profile that is asked for a keyframe.
   */
  constructor(options = {}) {
    this.options = {
      login: 'token', username: 'admin', password: 'secret', clockOffset: 0, media2: true, services: true, answers: {}, name: 'Front Door',
      manufacturer: 'Acme', model: 'Dome 4', profiles: [{}], address: '127.0.0.1', port: 0,
      saysHost: '127.0.0.1', ...options,
    };
    this.profiles = this.options.profiles.map(complete);
    this.endpoint = `urn:uuid:${randomUUID()}`;
    this.asked = []; // the operations, in order
    this.bodies = []; // all that was received
    this.refused = 0; // log-ins
    this.probes = 0;
    this.nonces = new Set();
    this.sockets = new Set();
    this.server = http.createServer((request, response) => this.#serve(request, response));
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  /** Listens. DISCOVERABLE: also answers WS-Discovery's multicast on the interface of its address, as all devices of this machine do. */
  async start({ discoverable = false } = {}) {
    this.server.listen(this.options.port, this.options.address);
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    if (discoverable) {
      this.udp = dgram.createSocket({ type: 'udp4', reuseAddr: true });
      this.udp.on('message', (message, from) => this.#probe(message.toString(), from));
      this.udp.bind(PORT, GROUP);
      await once(this.udp, 'listening');
      this.udp.addMembership(GROUP, this.options.address);
    }
    return this;
  }

  async stop() {
    this.udp?.close();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get address() {
    return `${this.options.address}:${this.port}`;
  }

  #url(path) {
    const { saysHost, saysPort } = this.options;
    return `http://${saysHost}:${(path !== '/onvif/device_service' && saysPort) || this.port}${path}`;
  }

  #probe(message, from) {
    const id = /<[^>]*MessageID>([^<]*)</.exec(message)?.[1];
    if (!/<(\w+:)?Probe[ >]/.test(message) || !id) return;
    this.probes++;
    const name = encodeURIComponent(this.options.name);
    const answer =
      `<?xml version="1.0"?><s:Envelope xmlns:s="${SOAP}" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
      ` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>` +
      `<a:MessageID>urn:uuid:${randomUUID()}</a:MessageID><a:RelatesTo>${id}</a:RelatesTo>` +
      `<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch>` +
      `<a:EndpointReference><a:Address>${this.endpoint}</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types>` +
      `<d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/${name} onvif://www.onvif.org/hardware/Dome4</d:Scopes>` +
      `<d:XAddrs>${this.#url('/onvif/device_service')}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>`;
    this.udp.send(this.options.answers.Probe ?? answer, from.port, from.address);
  }

  async #serve(request, response) {
    let body = '';
    for await (const part of request) body += part;
    this.bodies.push(JSON.stringify(request.headers) + body);
    const operation = /<(?:\w+:)?Body>\s*<(?:\w+:)?(\w+)/.exec(body)?.[1];
    this.asked.push(operation);
    const instead = this.options.answers[operation] ?? this.options.answers['*'];
    if (typeof instead === 'function') return instead(response, this);
    if (instead !== undefined) return this.#send(response, 200, instead);
    const open = ['GetSystemDateAndTime', 'GetServices', 'GetCapabilities'].includes(operation);
    if (!open && !this.#admits(request, response, body)) return undefined;
    const answer = this.#answer(operation, body, request.url);
    return answer === undefined
      ? this.#send(response, 400, fault('ter:ActionNotSupported', `${operation} is not known here`))
      : this.#send(response, 200, envelope(answer));
  }

  #send(response, status, text, headers = {}) {
    response.writeHead(status, { 'content-type': 'application/soap+xml; charset=utf-8', ...headers });
    response.end(text);
  }

  #admits(request, response, body) {
    if (this.options.login === 'none') return true;
    if (this.options.login === 'digest') return this.#admitsDigest(request, response);
    if (this.#admitsToken(body)) return true;
    this.refused++;
    this.#send(response, 400, fault('ter:NotAuthorized', 'Sender not authorized'));
    return false;
  }

  /** WS-Security's UsernameToken: the digest is right, fresh by this device's clock, and was not used before. */
  #admitsToken(body) {
    const part = (name) => new RegExp(`<(?:\\w+:)?${name}(?: [^>]*)?>([^<]*)<`).exec(body)?.[1];
    const [name, digest, nonce, created] = ['Username', 'Password', 'Nonce', 'Created'].map(part);
    if (!digest || !nonce || name !== escape(this.options.username)) return false;
    const age = Math.abs(Date.parse(created) / 1000 - (Date.now() / 1000 + this.options.clockOffset));
    const right = createHash('sha1').update(Buffer.from(nonce, 'base64')).update(created).update(this.options.password).digest('base64');
    if (digest !== right || age > 30 || this.nonces.has(nonce)) return false;
    return Boolean(this.nonces.add(nonce));
  }

  /** HTTP Digest with qop=auth (RFC 7616); the first question gets a nonce. */
  #admitsDigest(request, response) {
    const { username, password } = this.options;
    const given = request.headers.authorization ?? '';
    const part = (name) => new RegExp(`\\b${name}="?([^",]*)"?`).exec(given)?.[1];
    const ha1 = md5(`${username}:camera:${password}`);
    const ha2 = md5(`${request.method}:${request.url}`);
    const right = md5([ha1, part('nonce'), part('nc'), part('cnonce'), part('qop'), ha2].join(':'));
    if (given.startsWith('Digest ') && part('username') === username && part('response') === right && this.nonces.has(part('nonce'))) return true;
    if (given) this.refused++;
    const nonce = randomBytes(8).toString('hex');
    this.nonces.add(nonce);
    this.#send(response, 401, '', { 'www-authenticate': `Digest realm="camera", qop="auth", nonce="${nonce}", algorithm=MD5` });
    return false;
  }

  #answer(operation, body, path) {
    const second = body.includes(MEDIA2);
    switch (operation) {
      case 'GetSystemDateAndTime':
        return this.#time();
      case 'GetDeviceInformation':
        return (
          `<tds:GetDeviceInformationResponse><tds:Manufacturer>${escape(this.options.manufacturer)}</tds:Manufacturer><tds:Model>${escape(this.options.model)}` +
          `</tds:Model><tds:FirmwareVersion>1.2.3</tds:FirmwareVersion><tds:SerialNumber>007</tds:SerialNumber><tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>`
        );
      case 'GetServices':
        return this.options.services ? this.#services() : undefined;
      case 'GetCapabilities':
        return (
          `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>${this.#url('/onvif/media')}</tt:XAddr></tt:Media>` +
          `</tds:Capabilities></tds:GetCapabilitiesResponse>`
        );
      case 'GetProfiles':
        return this.#isAt(second, path) ? this.#profiles(second) : undefined;
      case 'GetStreamUri':
        return this.#isAt(second, path) ? this.#uri(second, body) : undefined;
      case 'SetSynchronizationPoint':
        return this.#isAt(second, path) ? this.#synchronize(second, body) : undefined;
      default:
        return undefined;
    }
  }

  #isAt(second, path) {
    return path === (second ? '/onvif/media2' : '/onvif/media') && (!second || this.options.media2);
  }

  #time() {
    const now = new Date(Date.now() + this.options.clockOffset * 1000);
    return (
      `<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>` +
      `<tt:UTCDateTime><tt:Time><tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute><tt:Second>${now.getUTCSeconds()}</tt:Second></tt:Time>` +
      `<tt:Date><tt:Year>${now.getUTCFullYear()}</tt:Year><tt:Month>${now.getUTCMonth() + 1}</tt:Month><tt:Day>${now.getUTCDate()}</tt:Day></tt:Date></tt:UTCDateTime>` +
      `</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`
    );
  }

  #services() {
    const list = [[DEVICE, '/onvif/device_service'], [MEDIA, '/onvif/media'], ...(this.options.media2 ? [[MEDIA2, '/onvif/media2']] : [])];
    const services = list.map(
      ([name, path]) =>
        `<tds:Service><tds:Namespace>${name}</tds:Namespace><tds:XAddr>${this.#url(path)}</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>0</tt:Minor></tds:Version></tds:Service>`,
    );
    return `<tds:GetServicesResponse>${services.join('')}</tds:GetServicesResponse>`;
  }

  /** Media has no H.265: such profiles are in Media2 alone. */
  #profiles(second) {
    const size = ({ width, height }) => `<tt:Resolution><tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height></tt:Resolution>`;
    const rate = ({ fps, bitrate }) => `<tt:RateControl><tt:FrameRateLimit>${fps}</tt:FrameRateLimit><tt:BitrateLimit>${bitrate}</tt:BitrateLimit></tt:RateControl>`;
    const first = (p) =>
      `<trt:Profiles token="${escape(p.token)}" fixed="true"><tt:Name>${escape(p.name)}</tt:Name>` +
      `<tt:VideoSourceConfiguration token="vs"><tt:SourceToken>${escape(p.source)}</tt:SourceToken></tt:VideoSourceConfiguration>` +
      `<tt:VideoEncoderConfiguration token="ve"><tt:Encoding>${p.video}</tt:Encoding>${size(p)}${rate(p)}<tt:H264><tt:GovLength>${p.gop}</tt:GovLength></tt:H264></tt:VideoEncoderConfiguration>` +
      `${p.audio ? `<tt:AudioEncoderConfiguration token="ae"><tt:Encoding>${p.audio}</tt:Encoding></tt:AudioEncoderConfiguration>` : ''}</trt:Profiles>`;
    const later = (p) =>
      `<tr2:Profiles token="${escape(p.token)}" fixed="true"><tr2:Name>${escape(p.name)}</tr2:Name><tr2:Configurations>` +
      `<tr2:VideoSource token="vs"><tt:SourceToken>${escape(p.source)}</tt:SourceToken></tr2:VideoSource>` +
      `<tr2:VideoEncoder token="ve" GovLength="${p.gop}" Profile="Main"><tt:Encoding>${p.video}</tt:Encoding>${size(p)}${rate(p)}</tr2:VideoEncoder>` +
      `${p.audio ? `<tr2:AudioEncoder token="ae"><tt:Encoding>${p.audio}</tt:Encoding></tr2:AudioEncoder>` : ''}</tr2:Configurations></tr2:Profiles>`;
    const list = second ? this.profiles.map(later) : this.profiles.filter(({ video }) => video !== 'H265').map(first);
    return second ? `<tr2:GetProfilesResponse>${list.join('')}</tr2:GetProfilesResponse>` : `<trt:GetProfilesResponse>${list.join('')}</trt:GetProfilesResponse>`;
  }

  #profileOf(body) {
    const token = /<(?:\w+:)?ProfileToken>([^<]*)</.exec(body)?.[1];
    return this.profiles.find((one) => escape(one.token) === escape(token));
  }

  #synchronize(second, body) {
    const profile = this.#profileOf(body);
    if (!profile) return undefined;
    this.options.onKeyframe?.(profile.token);
    return second ? '<tr2:SetSynchronizationPointResponse/>' : '<trt:SetSynchronizationPointResponse/>';
  }

  #uri(second, body) {
    const profile = this.#profileOf(body);
    if (!profile) return undefined;
    const uri = escape(profile.uri.replace('HOST', this.options.saysHost));
    return second
      ? `<tr2:GetStreamUriResponse><tr2:Uri>${uri}</tr2:Uri></tr2:GetStreamUriResponse>`
      : `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>${uri}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect></trt:MediaUri></trt:GetStreamUriResponse>`;
  }
}
