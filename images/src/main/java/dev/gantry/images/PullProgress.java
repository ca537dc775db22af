package dev.gantry.images;

/**
 * How far a pull is.
 *
 * @param phase what is being done
 * @param bytesDone compressed bytes received and hashed, of layers that had to be fetched
 * @param bytesTotal compressed bytes to fetch in all; 0 while still unknown
 * @param bytesPerSecond since the last progress event, at least 0
 * @param layersDone layers in place, those that were there before included
 * @param layersTotal 0 while still unknown
 */
public record PullProgress(
        Phase phase, long bytesDone, long bytesTotal, long bytesPerSecond, int layersDone, int layersTotal) {
    /** In this order; layers are unpacked while they arrive. */
    public enum Phase {
        QUEUED,
        RESOLVING,
        FETCHING,
        COMMITTING,
        DONE
    }
}
