package dev.gantry.runtime.seccomp;

/** A profile that cannot be used; the message says where and why. */
public final class SeccompProfileException extends Exception {
    SeccompProfileException(String message) {
        super(message);
    }
}
