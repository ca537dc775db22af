package dev.gantry.images;

import java.util.List;

/**
 * How far a pull is.
 *
 * @param phase what is being done
 * @param bytesDone compressed bytes received and hashed, of layers that had to be fetched
 * @param bytesTotal compressed bytes to fetch in all; 0 while still unknown
 * @param bytesPerSecond over the last second or so, at least 0
 * @param layersDone layers in place, those that were there before included
 * @param layers from the lowest up; none while still unknown
 */
public record PullProgress(
        Phase phase, long bytesDone, long bytesTotal, long bytesPerSecond, int layersDone, List<Layer> layers) {
    public PullProgress {
        layers = List.copyOf(layers);
    }

    /** In this order; layers are unpacked while they arrive. */
    public enum Phase {
        QUEUED,
        RESOLVING,
        FETCHING,
        COMMITTING,
        DONE
    }

    /**
     * How far one layer is.
     *
     * @param digest of its bytes as they are fetched; if nobody has said that, of its content
     * @param bytesDone compressed bytes received
     * @param bytesTotal compressed bytes in all; 0 if nobody has said
     */
    public record Layer(Digest digest, State state, long bytesDone, long bytesTotal) {
        /** What a layer waits for. */
        public enum State {
            /** For its turn, or for another pull that fetches it. */
            WAITING,
            /** Its bytes arrive and are unpacked. */
            FETCHING,
            /** It is in the store; it came by this pull or another one that ran beside it. */
            DONE,
            /** It was in the store before. */
            PRESENT
        }
    }
}
