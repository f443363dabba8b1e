// SPDX-License-Identifier: MIT
// Choose a camera, see it, switch to another.

import type { RingcastCameraElement, RingcastCondition } from 'ringcast-player';
import { useEffect, useRef, useState } from 'react';
import { LiveCamera } from './LiveCamera';
import './style.css';

export function App() {
  const { names, problem, ask } = useCameraList();
  const [chosen, choose] = useState<string | null>(null);
  const [open, setOpen] = useState(true);
  const [condition, setCondition] = useState<RingcastCondition | null>(null);
  const element = useRef<RingcastCameraElement>(null);
  const camera = chosen !== null && names.includes(chosen) ? chosen : names[0];

  return (
    <>
      <header>
        <h1>Cameras</h1>
        <label>
          Camera <select value={camera ?? ''} onChange={({ target }) => choose(target.value)}>
            {names.map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
        <button type="button" onClick={() => setOpen(!open)}>{open ? 'Close' : 'Open'}</button>
        {open && <button type="button" onClick={() => element.current?.requestFullscreen()}>Full screen</button>}
        <p role="status">{open && condition?.label}</p>
      </header>
      {problem && <p role="alert">{problem} <button type="button" onClick={ask}>Try again</button></p>}
      {open && camera !== undefined && <LiveCamera ref={element} className="camera" camera={camera} muted controls onCondition={setCondition} />}
    </>
  );
}

function useCameraList(server = '/') {
  const [names, setNames] = useState<string[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    setProblem(null);
    fetchNames(server, leaving.signal).then(setNames, (error: Error) => {
      if (!leaving.signal.aborted) setProblem(error.message);
    });
    return () => leaving.abort();
  }, [server, asked]);
  return { names, problem, ask: () => setAsked(asked + 1) };
}

async function fetchNames(server: string, signal: AbortSignal): Promise<string[]> {
  const answer = await fetch(new URL('api/cameras', new URL(server, document.baseURI)), { signal, cache: 'no-store' });
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  const { cameras } = (await answer.json()) as { cameras: { name: string }[] };
  return cameras.map(({ name }) => name);
}
