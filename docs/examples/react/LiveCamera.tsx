// SPDX-License-Identifier: MIT
// <ringcast-camera> as a React component (19 or later): typed props, callbacks, and the element itself as `ref`.

import 'ringcast-player';
import type { RingcastCameraElement, RingcastCondition, RingcastError, RingcastStats, RingcastToken } from 'ringcast-player';
import type { HTMLAttributes, Ref } from 'react';

interface OwnProps {
  camera: string;
  src?: string;
  token?: RingcastToken;
  muted?: boolean;
  controls?: boolean;
  autoplay?: boolean;
  poster?: string;
  ref?: Ref<RingcastCameraElement>;
}

export interface LiveCameraProps extends OwnProps, Omit<HTMLAttributes<RingcastCameraElement>, 'onError'> {
  onCondition?: (condition: RingcastCondition) => void;
  onError?: (error: RingcastError) => void;
  onStats?: (stats: RingcastStats) => void;
}

export function LiveCamera({ onCondition, onError, onStats, ...rest }: LiveCameraProps) {
  return (
    <ringcast-camera
      {...rest}
      onconditionchange={({ detail }) => onCondition?.(detail)}
      onerror={({ detail }) => onError?.(detail)}
      onstats={({ detail }) => onStats?.(detail)}
    />
  );
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'ringcast-camera': OwnProps & HTMLAttributes<RingcastCameraElement> & {
        onconditionchange?: (event: CustomEvent<RingcastCondition>) => void;
        onerror?: (event: CustomEvent<RingcastError>) => void;
        onstats?: (event: CustomEvent<RingcastStats>) => void;
      };
    }
  }
}
