package dev.gantry.agent.pod;

import java.time.Instant;
import java.util.OptionalLong;

/**
 * What is known of a container's image before its next start.
 *
 * <pre>
 *   Unchecked ──found or pulled──▶ Present ──container started──▶ Unchecked
 *       └──not there──▶ Missing ──retry due──▶ (checked again)
 * </pre>
 */
public sealed interface ImageState {
    /** To be looked for, and pulled if the policy asks for it. */
    record Unchecked() implements ImageState {}

    /**
     * It can be used.
     *
     * @param reference what the runtime takes: its id
     * @param uid of its user, if that is a number
     * @param username of its user, if that is a name; else empty
     */
    record Present(String reference, OptionalLong uid, String username) implements ImageState {}

    /** It cannot be had now. */
    record Missing(Retry retry) implements ImageState {
        /** The same, looked for again no later than {@code at}. */
        Missing retryAt(Instant at) {
            return new Missing(retry.dueAt(at));
        }
    }
}
