/* OpenSSL's libcrypto, which is loaded when something is signed or verified with it: where senders bring a
 * token, or nothing, nothing is. */
#ifndef LIBCRYPTO_H
#define LIBCRYPTO_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

/* What we call of it. */
#define LIBCRYPTO_FUNCTIONS(F)                                                                               \
	F(BIO_free)                                                                                              \
	F(BIO_new_mem_buf)                                                                                       \
	F(CRYPTO_memcmp)                                                                                         \
	F(ERR_clear_error)                                                                                       \
	F(EVP_DigestSign)                                                                                        \
	F(EVP_DigestSignInit)                                                                                    \
	F(EVP_DigestVerify)                                                                                      \
	F(EVP_DigestVerifyInit)                                                                                  \
	F(EVP_EncodeBlock)                                                                                       \
	F(EVP_MD_CTX_free)                                                                                       \
	F(EVP_MD_CTX_new)                                                                                        \
	F(EVP_PKEY_free)                                                                                         \
	F(EVP_PKEY_id)                                                                                           \
	F(EVP_PKEY_new_raw_public_key)                                                                           \
	F(EVP_sha256)                                                                                            \
	F(HMAC)                                                                                                  \
	F(PEM_read_bio_PUBKEY)                                                                                   \
	F(PEM_read_bio_PrivateKey)

/* crypto.HMAC is HMAC; NULL before it is loaded. */
struct libcrypto {
#define LIBCRYPTO_MEMBER(name) __typeof__(name) *name;
	LIBCRYPTO_FUNCTIONS(LIBCRYPTO_MEMBER)
#undef LIBCRYPTO_MEMBER
};

extern struct libcrypto crypto;

/* Loads it, if that is still to be done: NULL, or why it cannot be had. Of any thread. */
const char *libcrypto_load(void);

#endif
