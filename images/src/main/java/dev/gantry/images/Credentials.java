package dev.gantry.images;

import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * What a registry wants to know of a user. Exactly one of: nothing, user name and password, an identity token (an OAuth2
 * refresh token), a ready bearer token. Its text form shows no secret.
 *
 * @param username empty unless there is a password
 * @param secret password or token; empty for {@link #anonymous}
 */
public record Credentials(Kind kind, String username, String secret) {
    /** How {@link Credentials#secret} is to be used. */
    public enum Kind {
        ANONYMOUS,
        PASSWORD,
        IDENTITY_TOKEN,
        REGISTRY_TOKEN
    }

    private static final Credentials NONE = new Credentials(Kind.ANONYMOUS, "", "");

    public static Credentials anonymous() {
        return NONE;
    }

    public static Credentials password(String username, String password) {
        // docker's helpers say <token> for "the secret is an identity token"
        return username.equals("<token>")
                ? identityToken(password)
                : new Credentials(Kind.PASSWORD, username, password);
    }

    public static Credentials identityToken(String token) {
        return new Credentials(Kind.IDENTITY_TOKEN, "", token);
    }

    public static Credentials registryToken(String token) {
        return new Credentials(Kind.REGISTRY_TOKEN, "", token);
    }

    /**
     * The fields of a CRI {@code AuthConfig}, or of an entry of docker's {@code config.json}: the first that is set of
     * registry token, identity token, {@code auth} (base64 of {@code user:password}), user name and password.
     *
     * @throws IllegalArgumentException if {@code auth} is not base64 of {@code user:password}
     */
    public static Credentials of(
            String username, String password, String auth, String identityToken, String registryToken) {
        if (!registryToken.isEmpty()) {
            return registryToken(registryToken);
        }
        if (!identityToken.isEmpty()) {
            return identityToken(identityToken);
        }
        if (!auth.isEmpty()) {
            return decode(auth);
        }
        return username.isEmpty() && password.isEmpty() ? anonymous() : password(username, password);
    }

    private static Credentials decode(String auth) {
        String text;
        try {
            text = new String(Base64.getDecoder().decode(auth.strip()), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("auth is not base64", e);
        }
        int colon = text.indexOf(':');
        if (colon <= 0) {
            throw new IllegalArgumentException("auth is not base64 of user:password");
        }
        String password = text.substring(colon + 1);
        int end = password.length();
        while (end > 0 && password.charAt(end - 1) == '\0') {
            end--; // docker itself trims them
        }
        return password(text.substring(0, colon), password.substring(0, end));
    }

    public boolean isAnonymous() {
        return kind == Kind.ANONYMOUS;
    }

    @Override
    public String toString() {
        return "Credentials[" + kind + (username.isEmpty() ? "" : ", " + Quoted.cut(username)) + ", <hidden>]";
    }
}
