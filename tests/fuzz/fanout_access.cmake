# SPDX-License-Identifier: MIT
ringcast_fuzz_target(access_authorization_fuzz SOURCES access_authorization_fuzz.c access_fuzz.c LIBRARIES ringcast-fanout-access CORPUS access_authorization)
ringcast_fuzz_target(access_cookie_fuzz SOURCES access_cookie_fuzz.c access_fuzz.c LIBRARIES ringcast-fanout-access CORPUS access_cookie)
ringcast_fuzz_target(access_document_fuzz SOURCES access_document_fuzz.c access_fuzz.c LIBRARIES ringcast-fanout-access CORPUS access_document)
ringcast_fuzz_target(access_query_fuzz SOURCES access_query_fuzz.c access_fuzz.c LIBRARIES ringcast-fanout-access CORPUS access_query)
ringcast_fuzz_target(access_web_token_fuzz SOURCES access_web_token_fuzz.c access_fuzz.c LIBRARIES ringcast-fanout-access token_maker CORPUS access_web_token)
